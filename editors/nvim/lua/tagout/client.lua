--- The way to the server: commands for the folder of the current buffer, or for the one that is named.
local overviews = require('tagout.overview')
local server = require('tagout.server')

local M = {}

function M.say(text, level) vim.notify('tagout: ' .. text, level or vim.log.levels.INFO) end

--- Why there is no server for the current buffer, with the next step.
local function reason()
  local problem = server.given_up(server.folder_of(0)) or server.problem()
  if problem then return problem end
  if #overviews.all() > 1 then return 'several folders are open: go to a file of the one that is meant' end
  if not vim.lsp.is_enabled('tagout') and vim.g.loaded_tagout then
    return 'the server is not enabled: use :Tagout restart, or open a file'
  end
  local name = vim.api.nvim_buf_get_name(0)
  if name ~= '' and vim.bo.buftype == '' and server.folder_of(0) then
    return 'the server is starting: try again in a moment'
  end
  return 'no folder is open here: open a file of a project, or use :Tagout open FOLDER'
end

--- The client for the current buffer with its overview and workspace; says why there is none.
---@return vim.lsp.Client?, table, table
function M.current()
  local client, overview, workspace = overviews.of(0)
  if not client then M.say(reason(), vim.log.levels.WARN) end
  return client, overview or {}, workspace or {}
end

--- The same, where the server tells how things stand; one that does not is older than this plugin.
---@return vim.lsp.Client?, table, table
function M.told()
  local client, overview, workspace = M.current()
  if not client or overviews.is_told(client) then return client, overview, workspace end
  M.say('the server is older than this plugin: update it; until then use code actions', vim.log.levels.WARN)
  return nil, overview, workspace
end

--- Sends a command to `client`. The server itself says what it refuses, so that without `done` nothing is left to say.
---@param client vim.lsp.Client
---@param command string
---@param argument table?
---@param done fun(failure: table?, answer: any)?
function M.send(client, command, argument, done)
  local arguments = { (argument and next(argument)) and argument or vim.empty_dict() }
  local function ended() M.say('the server has ended: use :Tagout restart', vim.log.levels.ERROR) end
  if overviews.is_ending(client) then return ended() end
  local sent = client:request('workspace/executeCommand', { command = command, arguments = arguments }, function(failure, answer)
    if done then done(failure, overviews.without_null(answer)) end
  end)
  if not sent then ended() end
end

--- Sends a command for the current buffer's folder, which is named as its root unless `argument` names one.
function M.execute(command, argument, done)
  local client, _, workspace = M.current()
  if not client then
    if done then done({ message = 'there is no server' }) end
    return
  end
  local with_root = vim.tbl_extend('keep', argument or {}, { root = workspace.root or client.root_dir })
  M.send(client, command, with_root, done)
end

--- Asks for one of `items` where there is more than one.
---@param items table[]
---@param prompt string
---@param show fun(item: any): string
---@param chosen fun(item: any)
---@param none string what to say when there is nothing to choose from
function M.choose(items, prompt, show, chosen, none)
  if #items == 0 then return M.say(none) end
  if #items == 1 then return chosen(items[1]) end
  M.select(items, prompt, show, chosen)
end

--- Asks for one of `items`, also where there is but one.
function M.select(items, prompt, show, chosen)
  vim.ui.select(items, { prompt = prompt, kind = 'tagout', format_item = show }, function(item)
    if item ~= nil then chosen(item) end
  end)
end

return M
